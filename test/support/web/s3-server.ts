/** As much of S3 as an upload needs, on a real server: an object is there when its upload is completed, not before. */
import { createServer } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { listen } from "./server.ts";

export interface S3Server {
  url: string;
  client: S3Client;
  /** By bucket and key. */
  objects: Map<string, Buffer>;
  /** Uploads that were begun and neither completed nor aborted. */
  open: Map<string, Map<number, Buffer>>;
  /** How many parts there were, and the largest. */
  parts: number;
  largestPart: number;
  /** Fails the request of the part with this number. */
  failPart: number | undefined;
}

/** For the length of a test. */
export async function serveS3(): Promise<S3Server> {
  const s3: S3Server = {
    url: "",
    client: undefined as unknown as S3Client,
    objects: new Map(),
    open: new Map(),
    parts: 0,
    largestPart: 0,
    failPart: undefined,
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://s3");
      const name = decodeURIComponent(pathname.slice(1));
      const body = Buffer.concat(chunks);
      const id = searchParams.get("uploadId") ?? "";
      const answer = (xml: string, status = 200) =>
        response.writeHead(status, { "content-type": "application/xml", etag: '"1"' }).end(xml);
      if (request.method === "POST" && searchParams.has("uploads")) {
        const uploadId = `upload-${s3.open.size + 1}`;
        s3.open.set(uploadId, new Map());
        return answer(
          `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      if (request.method === "PUT" && id) {
        const part = Number(searchParams.get("partNumber"));
        if (part === s3.failPart) return answer("<Error><Code>AccessDenied</Code></Error>", 403);
        s3.open.get(id)?.set(part, body);
        s3.parts++;
        s3.largestPart = Math.max(s3.largestPart, body.byteLength);
        return answer("");
      }
      if (request.method === "POST" && id) {
        const parts = [...(s3.open.get(id) ?? [])].sort(([a], [b]) => a - b);
        s3.objects.set(name, Buffer.concat(parts.map(([, bytes]) => bytes)));
        s3.open.delete(id);
        return answer("<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>");
      }
      if (request.method === "DELETE" && id) {
        s3.open.delete(id);
        return answer("", 204);
      }
      s3.objects.set(name, body);
      return answer("");
    });
  });
  const { url } = await listen(server);
  s3.url = url;
  s3.client = new S3Client({
    endpoint: url,
    region: "us-east-1",
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  return s3;
}
