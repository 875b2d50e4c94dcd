import { atTurnEnd } from '../lib/turn-end.ts';

/** Something that is written at the end of the turn; it must not throw. */
export interface Letter {
  post(): void;
}

/**
 * Writes what one turn of the event loop brought together, after the turn: upstream is then woken once and finds many
 * requests, where single writes would wake it for each. A lone request leaves just as soon, when its turn is over.
 * Holds at most one letter for each connection.
 */
export class Outbox {
  private letters: Letter[] = [];
  /** The other list, kept so that no turn needs a new one. */
  private empty: Letter[] = [];

  add(letter: Letter): void {
    if (this.letters.length === 0) atTurnEnd(this.postAll);
    this.letters.push(letter);
  }

  private readonly postAll = (): void => {
    const { letters } = this;
    this.letters = this.empty;
    for (let at = 0; at < letters.length; at += 1) (letters[at] as Letter).post();
    letters.length = 0;
    this.empty = letters;
  };
}
