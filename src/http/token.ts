/** A token (RFC 9110 §5.6.2): the form of methods, field names, cookie names and authentication schemes. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether a text is one token and nothing else. */
export function isToken(text: string): boolean {
  return token.test(text);
}
