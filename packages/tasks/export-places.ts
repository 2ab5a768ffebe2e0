/** Where an export goes: a folder, or a bucket of S3. Whatever happens, no half of a file is left under its name. */
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { missingPeer } from "../core/peer.ts";

export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** Gives the file its name. */
  finish(): Promise<void>;
  /** Leaves nothing behind; also after `finish`, where it does nothing. */
  discard(): Promise<void>;
  /** Where the file will be: a path, or `s3://bucket/key`. */
  readonly place: string;
}

export interface FileName {
  /** Without a folder. */
  file: string;
  /** Tells the attempts of all tasks apart. */
  task: number;
  attempt: number;
}

/** @param to a folder, or `s3://bucket/prefix` */
export async function openSink(to: string, name: FileName): Promise<Sink> {
  return to.startsWith("s3://") ? openS3(to, name.file) : openFolder(to, name);
}

/**
 * A file of another name, which gets its own when all of it is on the disk. What earlier attempts of the task left is
 * deleted: should one of their workers still live, it has nothing to rename.
 */
async function openFolder(folder: string, { file, task, attempt }: FileName): Promise<Sink> {
  await mkdir(folder, { recursive: true });
  const ending = `.${task}.part`;
  for (const left of await readdir(folder))
    if (left.startsWith(".") && left.endsWith(ending)) await rm(join(folder, left), { force: true });
  const part = join(folder, `.${file}.${attempt}${ending}`);
  const place = join(folder, file);
  const handle = await open(part, "wx");
  let isOpen = true;
  const close = async () => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  return {
    place,
    write: async (bytes) => void (await handle.writeFile(bytes)),
    async finish() {
      await handle.sync();
      await close();
      await rename(part, place);
    },
    async discard() {
      await close();
      await rm(part, { force: true });
    },
  };
}

/** One part is in memory, and the next one gathers. A file has 10,000 parts at most: 160 GB. */
const PART_BYTES = 16 * 1024 * 1024;

/** S3 shows an object when the last part is there. @param client default: one with the rights of the process */
export async function openS3(to: string, file: string, client?: S3Client): Promise<Sink> {
  const need = "is needed for EXPORT_TO=s3://…";
  const [s3, { Upload }] = await Promise.all([
    import("@aws-sdk/client-s3").catch(missingPeer("@aws-sdk/client-s3", need)),
    import("@aws-sdk/lib-storage").catch(missingPeer("@aws-sdk/lib-storage", need)),
  ]);
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(to) ?? [];
  const key = prefix ? `${prefix}/${file}` : file;
  const body = new PassThrough({ highWaterMark: 1 });
  body.on("error", () => {});
  const used = client ?? new s3.S3Client({});
  const upload = new Upload({
    client: used,
    params: { Bucket: bucket, Key: key, Body: body },
    partSize: PART_BYTES,
    queueSize: 1,
  });
  let failure: { error: unknown } | undefined;
  const done = upload.done().then(
    () => {},
    (error: unknown) => {
      failure = { error };
      // A writer that waits for room is told.
      body.destroy();
    },
  );
  const check = () => {
    if (failure) throw failure.error;
  };
  let finished = false;
  return {
    place: `s3://${bucket}/${key}`,
    async write(bytes) {
      check();
      if (bytes.byteLength === 0) return;
      await new Promise<void>((resolve) => {
        body.once("close", resolve);
        body.write(bytes, () => {
          body.off("close", resolve);
          resolve();
        });
      });
      check();
    },
    async finish() {
      body.end();
      await done;
      check();
      finished = true;
    },
    async discard() {
      if (!finished) {
        // Not `abort`, which returns before S3 has dropped the parts.
        body.destroy(new Error("the export was given up"));
        await done;
      }
      if (!client) used.destroy();
    },
  };
}
