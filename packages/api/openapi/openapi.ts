/** The description of the API, OpenAPI 3.1. The code that renders it is loaded on first use. */
export function openApi(): Promise<Record<string, unknown>> {
  rendering ??= import("./render-openapi.ts").then(({ renderOpenApi }) => renderOpenApi());
  return rendering;
}

/** It is the same for everybody. */
let rendering: Promise<Record<string, unknown>> | undefined;
