/** The statements that show the whole, loaded when somebody looks: ticks and refreshes never do. */
type Statements = typeof import("./overview.ts") & typeof import("./types.ts");

let loaded: Statements | undefined;

async function load(): Promise<Statements> {
  loaded ??= { ...(await import("./overview.ts")), ...(await import("./types.ts")) };
  return loaded;
}

export const overview: Statements["overview"] = async (...given) => (await load()).overview(...given);
export const types: Statements["types"] = async (...given) => (await load()).types(...given);
export const type: Statements["type"] = async (...given) => (await load()).type(...given);
