/** Whether its server is unavailable, and another one may do better (RFC 9110 §15.6.3 to §15.6.5). */
export function isUnavailable(status: number): boolean {
  return status >= 502 && status <= 504;
}
