/** Watching a space from outside while the desk works: which processes take part, and how the space adapts. */
import {
  openEvents,
  openReplica,
  parseJson,
  readKey,
  spaceNames,
  subjects,
  type Bus,
  type BucketEntry,
  type Replica,
} from '@mabeam/bus';
import { parseObservedInstance } from '@mabeam/cluster';
import { adaptationKey, parseAdaptationRecord } from '@mabeam/orchestrator';
import { z } from 'zod';
import { mailDeskError } from './errors.ts';
import type { Adaptation } from './summary.ts';
import { trialOf, type Trial } from './trials.ts';

const applied: z.ZodType<Adaptation> = z.object({
  id: z.string(),
  trigger: z.string(),
  rule: z.string(),
  changes: z.array(z.object({ variable: z.string(), from: z.unknown(), to: z.unknown() })),
  revision: z.number(),
  triggerToAppliedMs: z.number(),
});

/** Who is told while a space adapts. */
export interface Onlooker {
  /** Of each adaptation for good, once it is applied. */
  readonly onAdapted?: (adaptation: Adaptation) => void;
  /** Of each value on trial: when it has arrived, and when it has been judged. */
  readonly onTrial?: (trial: Trial) => void;
}

export class Witness implements AsyncDisposable {
  readonly #bus: Bus;
  readonly #space: string;
  readonly #replica: Replica;
  readonly #pids = new Set<number>();
  readonly #adaptations: Adaptation[] = [];
  readonly #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();

  private constructor(bus: Bus, space: string, replica: Replica) {
    this.#bus = bus;
    this.#space = space;
    this.#replica = replica;
  }

  /** Opens a witness of a space. */
  static async open(bus: Bus, space: string, onlooker: Onlooker = {}): Promise<Witness> {
    const replica = await openReplica(bus, {
      bucket: spaceNames(space).observed,
      prefix: subjects(space).at('observed'),
    });
    const witness = new Witness(bus, space, replica);
    for (const entry of replica.entries()) witness.#note(entry);
    replica.onChange(({ entries }) => {
      for (const entry of entries) witness.#note(entry);
    });
    witness.#following = witness.#follow(onlooker);
    return witness;
  }

  /** Every process of an agent seen so far, the replaced ones too. */
  get pids(): readonly number[] {
    return [...this.#pids];
  }

  get adaptations(): readonly Adaptation[] {
    return this.#adaptations;
  }

  /** Resolves when all these agents are active; throws `desk-stalled` after `timeoutMs`. */
  async whenActive(agents: readonly string[], timeoutMs: number): Promise<void> {
    const missing = (): string[] => agents.filter((agent) => !this.#isActive(agent));
    if (missing().length === 0) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        watch[Symbol.dispose]();
        const message = `${this.#space}: ${missing().join(', ')} did not become active within ${timeoutMs} ms; see "mabeam logs"`;
        reject(
          mailDeskError('desk-stalled', message, { details: { space: this.#space, missing: missing() } }),
        );
      }, timeoutMs);
      const watch = this.#replica.onChange(() => {
        if (missing().length > 0) return;
        clearTimeout(timer);
        watch[Symbol.dispose]();
        resolve();
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
    await this.#replica.close();
  }

  #note(entry: BucketEntry): void {
    const pid = entry.operation === 'put' ? parseObservedInstance(parseJson(entry.data))?.pid : undefined;
    if (pid !== undefined) this.#pids.add(pid);
  }

  #isActive(agent: string): boolean {
    const entry = this.#replica.get(`${agent}.0`);
    return entry !== undefined && parseObservedInstance(parseJson(entry.data))?.status === 'active';
  }

  async #follow({ onAdapted, onTrial }: Onlooker): Promise<void> {
    const options = { filter: 'event.adaptation.*.*', signal: this.#stop.signal };
    for await (const event of openEvents(this.#bus, this.#space).follow(options)) {
      const [hash = '', verb] = event.subject.split('.').slice(-2);
      const trial = await this.#trialOf(hash);
      if (trial !== undefined) onTrial?.(verb === 'applied' ? { ...trial, outcome: null } : trial);
      if (trial !== undefined || verb !== 'applied') continue;
      const adaptation = applied.parse(event.json());
      this.#adaptations.push(adaptation);
      onAdapted?.(adaptation);
    }
  }

  /** The trial that an adaptation is; undefined when it is for good. */
  async #trialOf(hash: string): Promise<Trial | undefined> {
    const entry = await readKey(this.#bus, spaceNames(this.#space).bucket, adaptationKey(hash));
    return entry?.operation === 'put' ? trialOf(parseAdaptationRecord(parseJson(entry.data))) : undefined;
  }
}
