/** Whether a response says that its server is unavailable; another server may do better (RFC 9110 §15.6.3 to §15.6.5). */
export function isUnavailable(status: number): boolean {
  return status >= 502 && status <= 504;
}
