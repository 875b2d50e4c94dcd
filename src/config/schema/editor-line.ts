/** The schema of this package, as `npm run docs` writes it; the same place in a clone and in an installed release. */
const SCHEMA_FILE = '../../../../portcullis.schema.json';

/** First line of a configuration by which editors with yaml-language-server find the schema on this machine. */
export function editorLine(): string {
  return `# yaml-language-server: $schema=${new URL(SCHEMA_FILE, import.meta.url).href}`;
}
