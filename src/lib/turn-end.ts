type Work = () => void;
type Labour = (shared: boolean) => void;

/** Turns after which a loop that had nothing to write belongs to labour alone: some 5 ms of short ones. */
const ALONE_AFTER = 16;

let writes: Work[] = [];
let labours: Labour[] = [];
let armed = false;
/** Turns since something was to be written that labour had not brought about. */
let idleTurns = ALONE_AFTER;

/** Runs `work` when this turn of the event loop has read all that has come, before any labour. */
export function atTurnEnd(work: Work): void {
  writes.push(work);
  arm();
}

/**
 * Runs `work`, which takes long, behind everything that is to be written in this turn: the receivers then work on that
 * meanwhile. From inside such work it is put off to the next turn.
 *
 * @param work is told whether others use the loop as well and wait until it is done.
 */
export function labour(work: Labour): void {
  labours.push(work);
  arm();
}

function arm(): void {
  if (armed) return;
  armed = true;
  setImmediate(run);
}

function run(): void {
  armed = false;
  idleTurns = writes.length > 0 ? 0 : idleTurns + 1;
  const shared = idleTurns < ALONE_AFTER;
  const [first, second] = [writes, labours];
  writes = [];
  labours = [];
  try {
    drain(first, (work) => work());
    if (second.length === 0) return;
    drain(second, (work) => work(shared));
    // What labour has brought about.
    drain(writes, (work) => work());
  } finally {
    // Something threw, which must not cost others their turn.
    writes.unshift(...first);
    labours.unshift(...second);
    if (labours.length > 0 || writes.length > 0) arm();
  }
}

/** Does what is in the list now; what is added meanwhile, and what stands behind one that throws, stays in it. */
function drain<W>(list: W[], each: (work: W) => void): void {
  for (let count = list.length; count > 0; count -= 1) each(list.shift() as W);
}
