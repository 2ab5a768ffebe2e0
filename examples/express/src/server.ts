import { createClient } from "tickwork/client";
import { createApp } from "./app.ts";

const { TICKWORK_URL = "http://127.0.0.1:3000", API_KEY, PORT = "4000" } = process.env;

const tickwork = createClient<typeof import("./tasks.ts")>({ url: TICKWORK_URL, apiKey: API_KEY });
const server = createApp(tickwork).listen(Number(PORT), () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : PORT}`);
});
process.once("SIGTERM", () => server.close());
