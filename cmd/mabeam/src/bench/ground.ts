/**
 * The ground of a measurement: two connections to the server, as of two processes, and streams of its own that are gone afterwards.
 * It is no space: nothing that lists spaces sees it, and no orchestrator touches it.
 */
import { randomUUID } from 'node:crypto';
import {
  connectBus,
  deleteStreams,
  ensureStreams,
  spaceNames,
  spaceStreams,
  subjects,
  type Bus,
  type StreamDefinition,
} from '@mabeam/bus';

/** Two ends of every conversation, and the name of the ground in their subjects. */
export interface Ground extends AsyncDisposable {
  readonly near: Bus;
  readonly far: Bus;
  readonly space: string;
}

const maxBytes = 33_554_432;

/** Opens a ground; disposing deletes what was made. Throws `server-unavailable` and what the bus throws. */
export async function openGround(server: string | undefined): Promise<Ground> {
  const space = `bench-${randomUUID().slice(0, 8)}`;
  const address = { connectTimeoutMs: 2_000, ...(server === undefined ? {} : { url: server }) };
  const stack = new AsyncDisposableStack();
  try {
    const near = stack.use(await connectBus({ name: 'mabeam bench, near end', ...address }));
    const far = stack.use(await connectBus({ name: 'mabeam bench, far end', ...address }));
    const streams = streamsOf(space);
    stack.defer(() =>
      deleteStreams(
        near,
        streams.map(({ name }) => name),
      ),
    );
    await ensureStreams(near, streams);
    const opened = stack.move();
    return { near, far, space, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** The streams of events, tasks and outcomes, smaller; without triggers, by which spaces are known. */
function streamsOf(space: string): readonly StreamDefinition[] {
  const { events, outcomes, tasks } = spaceNames(space);
  const only = [events, outcomes, tasks];
  return spaceStreams(space)
    .filter(({ name }) => only.includes(name))
    .map((stream) => ({
      ...stream,
      max_bytes: maxBytes,
      ...(stream.name === events ? { subjects: [subjects(space).at('event.*.*.*')] } : {}),
    }));
}
