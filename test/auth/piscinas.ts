import { Piscina } from 'piscina';

/** Every piscina that has run a task since this module was loaded, so that a test can reach its threads. */
export const piscinas = new Set<Piscina>();

const { run } = Piscina.prototype;
Piscina.prototype.run = function (this: Piscina, ...given: Parameters<typeof run>) {
  piscinas.add(this);
  return run.apply(this, given);
};
