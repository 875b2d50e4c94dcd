import { isRefusedMethod } from '../http/request-rules.ts';
import type { Arrival, Cell, HostCell, PathCell } from './cell.ts';
import { dirPath, hostName, type Subject } from './compare.ts';
import type { Test } from './condition.ts';

/** The hosts, paths and methods that a file compares requests with. They divide all requests into cells. */
export class Grid {
  readonly #hosts = new Map<string, HostCell>();
  readonly #paths = new Map<string, PathCell>([['prefix /', { kind: 'prefix', text: '/' }]]);
  readonly #methods = new Set<string>();
  readonly #seen = new Set<Test>();

  /** In the order of the file, and last those that no other cell has. */
  get hosts(): readonly HostCell[] {
    return [...this.#hosts.values(), { kind: 'any' }];
  }

  get paths(): readonly PathCell[] {
    const [all, ...paths] = this.#paths.values();
    return [...paths, all as PathCell];
  }

  /** With HEAD where there is GET, because a route for GET takes it too. */
  get methods(): readonly (string | undefined)[] {
    const methods = new Set(this.#methods);
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods, undefined];
  }

  /** Grows with what is added. */
  get size(): number {
    return this.#hosts.size + this.#paths.size + this.#methods.size;
  }

  add(subject: Subject, test: Test): void {
    if (this.#seen.has(test)) return;
    this.#seen.add(test);
    for (const pattern of test.patterns) {
      if (subject === 'method') this.#addMethod(test.ignoresCase ? pattern.toUpperCase() : pattern);
      else if (subject === 'host') this.#addHost(test, pattern);
      else this.#addPath(test, pattern);
    }
  }

  cells(arrival: Arrival): readonly Cell[] {
    return this.hosts.flatMap((host) =>
      this.paths.flatMap((path) => this.methods.map((method): Cell => ({ host, path, method, arrival }))),
    );
  }

  /** Requests with some methods are refused on every route, so no route names them. */
  #addMethod(method: string): void {
    if (!isRefusedMethod(method) && /^[A-Z][A-Z-]*$/.test(method)) this.#methods.add(method);
  }

  #addHost({ method }: Test, pattern: string): void {
    const name = hostName(pattern);
    const bare = name.replace(/^\./, '');
    const isSuffix = method === 'dom' || method === 'end';
    if (method === 'str' || method === 'dom' || (method === 'end' && bare === name)) {
      this.#hosts.set(`name ${bare}`, { kind: 'name', name: bare });
    }
    // Addresses have no names below them.
    if (isSuffix && /[a-z]/.test(bare)) this.#hosts.set(`below ${bare}`, { kind: 'below', name: bare });
  }

  #addPath({ method }: Test, pattern: string): void {
    const put = (kind: PathCell['kind'], text: string): void => {
      this.#paths.set(`${kind} ${text}`, { kind, text });
    };
    if (method === 'str') put('exact', pattern);
    else if (method === 'beg') put('prefix', pattern);
    else if (method === 'dir' && dirPath(pattern) !== '/') {
      put('exact', dirPath(pattern));
      put('prefix', `${dirPath(pattern)}/`);
    }
  }
}

/** Whether all requests of one path are among those of another. */
function covers(outer: PathCell, inner: PathCell): boolean {
  if (outer.kind === 'exact') return inner.kind === 'exact' && inner.text === outer.text;
  return inner.text.startsWith(outer.text);
}

/** The cell that takes the requests of `cell` where that one has no route: the next longer beginning. */
export function parentOf<P extends PathCell>(cell: P, paths: readonly P[]): P | undefined {
  let parent: P | undefined;
  for (const path of paths) {
    if (path === cell || path.kind === 'exact' || !covers(path, cell)) continue;
    if (parent === undefined || path.text.length > parent.text.length) parent = path;
  }
  return parent;
}

/** The host whose routes take the requests of `host` where that one has no route. */
export function nextHost(host: HostCell, hosts: readonly HostCell[]): HostCell | undefined {
  if (host.kind === 'any') return undefined;
  let next: HostCell | undefined;
  for (const other of hosts) {
    if (other === host || other.kind !== 'below' || !host.name.endsWith(`.${other.name}`)) continue;
    if (next === undefined || next.kind !== 'below' || other.name.length > next.name.length) next = other;
  }
  return next ?? hosts.find(({ kind }) => kind === 'any');
}
