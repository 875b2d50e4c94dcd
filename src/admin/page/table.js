/**
 * A table whose rows follow their data. Rows and cells stay the same elements, so that a button keeps its focus, and all
 * texts are set as text.
 */
export class Table {
  #columns;
  #keyOf;
  #heading;
  #body;
  #note;
  #empty;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} place
   * @param {{
   *   id: string,
   *   title: string,
   *   empty: string,
   *   keyOf: (row: any) => string,
   *   columns: readonly { label: string, number?: boolean, of: (row: any) => any }[],
   * }} kind `empty` is the text without rows. A cell is a text, `{ text, tone }`, or an element that stays as it is made.
   */
  constructor(place, { id, title, empty, keyOf, columns }) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#empty = empty;
    const section = document.createElement('section');
    section.id = id;
    this.#heading = document.createElement('h2');
    this.#heading.id = `${id}-heading`;
    this.#heading.textContent = title;
    section.setAttribute('aria-labelledby', this.#heading.id);
    // Roles, because narrow pages show rows as blocks, which are no tables to a browser.
    const table = element('table', 'table');
    table.setAttribute('aria-labelledby', this.#heading.id);
    const head = element('thead', 'rowgroup');
    const labels = element('tr', 'row');
    for (const { label, number } of columns) {
      const cell = element('th', 'columnheader');
      cell.textContent = label;
      cell.className = number === true ? 'number' : '';
      labels.append(cell);
    }
    head.append(labels);
    this.#body = element('tbody', 'rowgroup');
    table.append(head, this.#body);
    this.#note = document.createElement('p');
    this.#note.className = 'note';
    section.append(this.#heading, table, this.#note);
    place.append(section);
  }

  /** @param {readonly any[]} rows @param {number} leftOut rows that there are besides */
  show(rows, leftOut = 0) {
    const left = new Set(this.#rows.keys());
    for (const [index, row] of rows.entries()) {
      const key = this.#keyOf(row);
      left.delete(key);
      const line = this.#rows.get(key) ?? this.#add(key);
      if (this.#body.children[index] !== line)
        this.#body.insertBefore(line, this.#body.children[index] ?? null);
      for (const [column, { of }] of this.#columns.entries()) fill(line.children[column], of(row));
    }
    for (const key of left) {
      this.#rows.get(key)?.remove();
      this.#rows.delete(key);
    }
    const more = leftOut > 0 ? `and ${leftOut} more, which /status has` : '';
    setText(this.#note, rows.length === 0 ? this.#empty : more);
    this.#body.parentElement?.toggleAttribute('hidden', rows.length === 0);
  }

  #add(key) {
    const line = element('tr', 'row');
    for (const { label, number } of this.#columns) {
      const cell = element('td', 'cell');
      cell.dataset.label = label;
      cell.className = number === true ? 'number' : '';
      line.append(cell);
    }
    this.#rows.set(key, line);
    return line;
  }
}

function element(name, role) {
  const made = document.createElement(name);
  made.setAttribute('role', role);
  return made;
}

function fill(cell, value) {
  if (value instanceof Node) {
    if (cell.firstChild !== value) cell.replaceChildren(value);
    return;
  }
  const { text, tone = '' } = typeof value === 'object' ? value : { text: value };
  setText(cell, text);
  if (cell.dataset.tone !== tone) cell.dataset.tone = tone;
}

/** Sets a text only if it is another one, so that nothing is drawn or told again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
