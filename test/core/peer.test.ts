import { describe, expect, test } from "vitest";
import { ConfigError } from "#core";
import { missingPeer } from "../../packages/core/peer.ts";

/** A specifier that no bundler and no type checker resolves. */
const importing = (name: string) => import(/* @vite-ignore */ name) as Promise<unknown>;

describe("a package that is not installed", () => {
  test("is named, with what needs it and the command that installs it", async () => {
    const imported = importing("tickwork-is-not-there").catch(
      missingPeer("tickwork-is-not-there", "is needed here"),
    );
    await expect(imported).rejects.toThrow(
      "The package tickwork-is-not-there is needed here, and is not installed; run: npm install tickwork-is-not-there",
    );
    await expect(imported).rejects.toBeInstanceOf(ConfigError);
  });

  test("is not blamed for what it misses itself", async () => {
    const error = Object.assign(new Error("Cannot find package 'another'"), { code: "ERR_MODULE_NOT_FOUND" });
    expect(() => missingPeer("pg", "is needed here")(error)).toThrow(error);
    const broken = new SyntaxError("Unexpected token in pg");
    expect(() => missingPeer("pg", "is needed here")(broken)).toThrow(broken);
  });
});
