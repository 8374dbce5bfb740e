/** A term of office: what the parts of the leader's loop share while it lasts. */
import type { Bus, SpaceNames, Subjects } from '@mabeam/bus';
import type { Logger } from '@mabeam/telemetry/api';
import type { Leadership } from './fence.ts';
import type { SpaceMetrics } from '../scaling/space-metrics.ts';
import type { SpaceMirror } from '../state/space-mirror.ts';

export interface Term {
  readonly bus: Bus;
  readonly space: string;
  readonly names: SpaceNames;
  readonly subjects: Subjects;
  readonly leadership: Leadership;
  readonly mirror: SpaceMirror;
  /** What is heard of the space's performance. */
  readonly metrics: Pick<SpaceMetrics, 'metrics'>;
  readonly log: Logger;
  /** Aborts when the term is over: told to stop, lease lost, or deposed. */
  readonly signal: AbortSignal;
}
