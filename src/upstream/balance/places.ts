import { mixBits } from '../../lib/text-hash.ts';

/**
 * Places for keys, a power of two. Each server has 5461 ± 60 places of three, and 64 ± 8 of 256; a ring with 160 points
 * for each server, which needs a search for each request, would be off by 8 % already with three.
 */
const PLACES = 1 << 14;

/**
 * The index of a server for each place: the one that wins the place's draw by weight (rendezvous hashing; Thaler and
 * Ravishankar, "Using Name-Based Mappings to Increase Hit Rates"). A server that comes takes places by its weight and
 * moves nothing between the others; one that goes leaves its places to all others by their weights.
 * @param servers `seed`: a hash of the address. The result depends on addresses and weights, not on the process.
 */
export function placesOf(
  servers: readonly { readonly seed: number; readonly weight: number }[],
): Uint16Array<ArrayBuffer> {
  const places = new Uint16Array(PLACES);
  const seeds = Int32Array.from(servers, ({ seed }) => seed);
  const weights = Float64Array.from(servers, ({ weight }) => weight);
  for (let place = 0; place < PLACES; place += 1) {
    let winner = 0;
    let soonest = Number.POSITIVE_INFINITY;
    for (let index = 0; index < seeds.length; index += 1) {
      const draw = ((mixBits(place ^ (seeds[index] as number)) >>> 0) + 0.5) / 2 ** 32;
      // The time until the first event of a process whose rate is the weight: the first one wins by weight.
      const limit = soonest * (weights[index] as number);
      // 1 - draw is never above -log(draw), and spares nearly all logarithms.
      if (1 - draw >= limit) continue;
      const time = -Math.log(draw);
      if (time >= limit) continue;
      soonest = time / (weights[index] as number);
      winner = index;
    }
    places[place] = winner;
  }
  return places;
}
