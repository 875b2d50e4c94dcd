import type { Condition } from './condition.ts';
import type { Expression } from './expression.ts';
import type { Entry } from './sections.ts';

/** What a rule does once its condition holds. */
export type Action =
  /** Refuses the request. */
  | {
      readonly kind: 'deny';
      readonly status: number;
      readonly contentType: string | undefined;
      readonly body: string | undefined;
    }
  /** Ends the rules of this stage. */
  | { readonly kind: 'allow' }
  /** HAProxy answers by itself. */
  | { readonly kind: 'answer' }
  | { readonly kind: 'https' }
  /** Undefined: what the variable gets is not known. */
  | { readonly kind: 'set-var'; readonly name: string; readonly expression: Expression | undefined }
  | { readonly kind: 'unset-var'; readonly name: string }
  /** `value`: undefined for a removal. */
  | {
      readonly kind: 'header';
      readonly name: string;
      readonly value: string | undefined;
      readonly of: 'request' | 'response';
    }
  /** Changes what upstream sees of the request beside headers. */
  | { readonly kind: 'rewrite' }
  | { readonly kind: 'backend'; readonly name: string }
  /** May do anything, also refuse. */
  | { readonly kind: 'foreign' };

/** A rule of a proxy, in the order in which HAProxy asks them. */
export interface Rule {
  readonly entry: Entry;
  readonly action: Action;
  readonly condition: Condition | undefined;
  /** Set where the condition cannot be read: it may then be true or false. */
  readonly obscure: string | undefined;
}

/** The stages of a proxy's rules. An `allow` ends its own stage only. */
export interface Rules {
  readonly connection: readonly Rule[];
  readonly content: readonly Rule[];
  readonly request: readonly Rule[];
  readonly redirect: readonly Rule[];
  readonly choice: readonly Rule[];
  readonly response: readonly Rule[];
}
