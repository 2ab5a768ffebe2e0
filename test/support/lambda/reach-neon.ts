/**
 * Loaded before a function, so that Neon's driver in its bundle reaches the stand-in of Neon.
 *
 * The driver makes its address from the host of DATABASE_URL: `ep-x.test.neon.tech` is asked at
 * `https://api.test.neon.tech/sql`, always by TLS at port 443. What it sends is left as it is, headers and body, and so is
 * the client that sends it; only where it goes is another place. A certificate and a resolver of our own would replace
 * two more things, and need the port.
 */
const { NEON_ENDPOINT, NEON_STAND_IN } = process.env;
const send = globalThis.fetch;

globalThis.fetch = (input, init) =>
  send(NEON_STAND_IN && input === NEON_ENDPOINT ? NEON_STAND_IN : input, init);
