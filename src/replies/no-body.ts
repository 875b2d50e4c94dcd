/** The body of a reply that has none. */
export const noBody: Uint8Array = new Uint8Array();
