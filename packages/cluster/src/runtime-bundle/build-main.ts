/** The process that makes a runtime bundle: its argument is the order, as JSON. Exits 1 with a line when it cannot. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildRuntimeBundle, type BuildOrder } from './build.ts';

/** A process that has not finished by then was killed; its mark does not count any more. */
const abandonedMs = 120_000;

// The node that started this process has written it.
const order = JSON.parse(process.argv[2] ?? '') as BuildOrder;
const mark = join(order.folder, `${order.key}.building`);

if (begin()) {
  try {
    await buildRuntimeBundle(order);
  } catch (error) {
    process.exitCode = 1;
    console.error(error instanceof Error ? error.message : error);
  } finally {
    rmSync(mark, { recursive: true, force: true });
  }
}

/** One process a bundle is enough; two would only do it twice. */
function begin(): boolean {
  mkdirSync(order.folder, { recursive: true, mode: 0o700 });
  const other = statSync(mark, { throwIfNoEntry: false });
  if (other !== undefined && Date.now() - other.mtimeMs > abandonedMs)
    rmSync(mark, { recursive: true, force: true });
  try {
    mkdirSync(mark);
    return true;
  } catch {
    return false;
  }
}
