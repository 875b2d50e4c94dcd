/** A text as JSON has it, for a message: cut behind `most` characters, since the rest says nothing to a reader. */
export function quote(text: string, most: number): string {
  return JSON.stringify(text.length > most ? `${text.slice(0, most)}…` : text);
}
