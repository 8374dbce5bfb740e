/**
 * The digest: once a second the leader says how far each bucket of the space has come (`signal.digest.<bucket>`
 * `{sequence}`), so that a replica that has missed the last message of a quiet bucket finds out.
 */
import { bucketStream, lastSequence, nodesBucket, pause } from '@mabeam/bus';
import type { Term } from './term.ts';

const intervalMs = 1_000;

/** Publishes digests until the term is over. */
export async function runDigests({ bus, log, names, signal, subjects }: Term): Promise<void> {
  const buckets = [names.bucket, names.observed, names.leases, nodesBucket];
  while (!signal.aborted) {
    try {
      for (const bucket of buckets) {
        const sequence = await lastSequence(bus, bucketStream(bucket));
        bus.publish(subjects.at(`signal.digest.${bucket}`), { sequence });
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'no digest this time: the server does not answer');
    }
    await pause(intervalMs, signal);
  }
}
