/** The end of a sentence for two issuers that are meant to be equal and differ in nothing but a last slash; else ''. */
export function slashHint(a: string, b: string): string {
  return a !== b && withoutSlash(a) === withoutSlash(b) ? '; they differ in the slash at the end alone' : '';
}

function withoutSlash(text: string): string {
  return text.endsWith('/') ? text.slice(0, -1) : text;
}
