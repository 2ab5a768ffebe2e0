/** The description of the API, OpenAPI 3.1. The code that renders it is loaded on first use. */
export async function openApi(): Promise<Record<string, unknown>> {
  const { renderOpenApi } = await import("./render-openapi.ts");
  return renderOpenApi();
}
