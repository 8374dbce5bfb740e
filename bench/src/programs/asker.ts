/** The asking end of a request benchmark: `asker <contender> <url> <token>`. */
import { loadContender } from '../contenders/load-contender.ts';
import { median } from '../statistics.ts';
import { cpuMs, serveCalls } from '../peer-end.ts';

const [name, url = '', token = ''] = process.argv.slice(2);
const asker = await (await loadContender(name)).openAsker({ url, token });

/** Asks for `durationMs` with `inFlight` questions under way; requests a second. */
async function rate({ durationMs, inFlight }: { durationMs: number; inFlight: number }): Promise<number> {
  const startedAt = performance.now();
  const endAt = startedAt + durationMs;
  let count = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endAt) {
      await asker.ask();
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (count * 1_000) / (performance.now() - startedAt);
}

/** Asks one after the other; the median time of one question, in µs. */
async function latency({ count }: { count: number }): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const askedAt = performance.now();
    await asker.ask();
    times.push((performance.now() - askedAt) * 1_000);
  }
  return median(times);
}

/** Asks `count` questions with `inFlight` under way; the CPU time this process took for it, in ms. */
async function cost({ count, inFlight }: { count: number; inFlight: number }): Promise<number> {
  const before = cpuMs();
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await asker.ask();
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return cpuMs() - before;
}

// The rows of this package call these with the arguments they declare.
serveCalls({
  rate: (argument) => rate(argument as Parameters<typeof rate>[0]),
  latency: (argument) => latency(argument as Parameters<typeof latency>[0]),
  cost: (argument) => cost(argument as Parameters<typeof cost>[0]),
});
