/**
 * The codes that these tasks write into `error_data.code`, beside `http_404` and the like and Node's own for what the
 * network or the file system did (`ECONNREFUSED`, `EACCES`, …).
 */
export type OwnErrorCode =
  | "http_timeout"
  | "http_network"
  | "http_address_refused"
  | "http_bad_redirect"
  | "http_too_many_redirects"
  | "http_no_secret"
  | "email_not_set_up"
  | "email_failed"
  | "email_deferred"
  | "export_not_set_up"
  | "export_key"
  | "cleanup_refused"
  | "cleanup_failed";
