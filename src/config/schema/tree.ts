import type { KeyPath } from '../fault.ts';
import { jsonSchema } from './schema.ts';

export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** The keys that a mapping at this path may have. */
export function knownKeys(node: SchemaNode, path: KeyPath): readonly string[] {
  if (node.anyOf !== undefined) return node.anyOf.flatMap((branch) => knownKeys(branch, path));
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(node.properties ?? {});
  const next = typeof step === 'number' ? node.items : (node.properties?.[step] ?? node.additionalProperties);
  return typeof next === 'object' ? knownKeys(next, rest) : [];
}

let tree: SchemaNode | undefined;

/** The schema of the file as JSON Schema, made once. */
export function schemaTree(): SchemaNode {
  tree ??= jsonSchema();
  return tree;
}
