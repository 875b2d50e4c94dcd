/** The end of a sentence for two issuers that should be equal and differ only in a last slash; '' for others. */
export function slashHint(a: string, b: string): string {
  return a !== b && withoutSlash(a) === withoutSlash(b) ? '; they differ in the slash at the end alone' : '';
}

function withoutSlash(text: string): string {
  return text.endsWith('/') ? text.slice(0, -1) : text;
}
