/** The hosts of a cell: one name, all below a name, or those that no other cell has. */
export type HostCell =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'below'; readonly name: string }
  | { readonly kind: 'any' };

/** The paths of a cell: one, or all that begin with a text, but for those of more specific cells. */
export interface PathCell {
  readonly kind: 'exact' | 'prefix';
  readonly text: string;
}

/** The bind address at which a request arrives. */
export interface Arrival {
  readonly tls: boolean;
  readonly port: number | undefined;
}

/** Requests that no comparison of the file tells apart, as far as it compares host, path, method and arrival. */
export interface Cell {
  readonly host: HostCell;
  readonly path: PathCell;
  /** Undefined: all methods that no other cell has. */
  readonly method: string | undefined;
  readonly arrival: Arrival;
}
