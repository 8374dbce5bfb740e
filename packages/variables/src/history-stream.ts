/** Reading the history of a space: what its bucket keeps no more, and where something is missing. */
import { MabeamError, readLastMessage, readStreamOnce, spaceNames, subjects, type Bus } from '@mabeam/bus';
import {
  historyMarks,
  readHistoryEvent,
  readHistoryPosition,
  type HistoryEvent,
  type RecordedGap,
  type RecordedRevision,
} from './history-event.ts';

/** What the history has of a key. */
export interface RecordedHistory {
  /** The last revision of the bucket that is copied; 0: none yet. */
  readonly copied: number;
  /** Oldest first. */
  readonly revisions: readonly RecordedRevision[];
  /** Where revisions are missing, of this key or perhaps of others; oldest first. */
  readonly gaps: readonly RecordedGap[];
}

/** The history of a space that has none yet. */
export const nothingRecorded: RecordedHistory = { copied: 0, revisions: [], gaps: [] };

/**
 * Reads what the history has of a key, of the bucket that is there now. A space that has no history yet has an empty one. Throws
 * what the bus throws.
 */
export async function readHistory(bus: Bus, space: string, key: string): Promise<RecordedHistory> {
  try {
    const { at, history } = subjects(space);
    // First how far it reaches, then what is there: what is copied meanwhile must not look like a loss.
    const copied = await readCopied(bus, space);
    const [replaced, gaps, revisions] = await Promise.all([
      readEvents(bus, space, at(historyMarks.replaced)),
      readEvents(bus, space, at(historyMarks.gap)),
      readEvents(bus, space, history(key)),
    ]);
    const since = replaced.at(-1)?.sequence ?? 0;
    const own = (events: readonly PlacedEvent[]): readonly HistoryEvent[] =>
      events.flatMap(({ event, sequence }) => (sequence > since ? [event] : []));
    return {
      copied,
      revisions: own(revisions).flatMap((event) =>
        event.kind === 'revision' && event.key === key ? [event] : [],
      ),
      gaps: own(gaps).flatMap((event) => (event.kind === 'gap' ? [event] : [])),
    };
  } catch (error) {
    if (error instanceof MabeamError && error.code === 'stream-missing') return nothingRecorded;
    throw error;
  }
}

/** The last revision of the bucket that is copied; 0: none yet. Throws what the bus throws. */
async function readCopied(bus: Bus, space: string): Promise<number> {
  const stream = spaceNames(space).history;
  const message = await readLastMessage(bus, stream, subjects(space).at(historyMarks.position));
  return message === undefined ? 0 : (readHistoryPosition(message.data)?.copied ?? 0);
}

interface PlacedEvent {
  readonly event: HistoryEvent;
  readonly sequence: number;
}

async function readEvents(bus: Bus, space: string, filter: string): Promise<readonly PlacedEvent[]> {
  const found: PlacedEvent[] = [];
  for await (const message of readStreamOnce(bus, spaceNames(space).history, { filter })) {
    const event = readHistoryEvent(message);
    if (event !== undefined) found.push({ event, sequence: message.sequence });
  }
  return found;
}
