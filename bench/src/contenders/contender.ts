/** What the request benchmarks ask of each way to ask and answer. */

/** The asking end: `ask` resolves when the answer to one 64-byte question is here. */
export interface Asker {
  ask(): Promise<unknown>;
}

/** Where both ends of a contender meet. Each has a subject token of its own: nobody answers another's questions. */
export interface Meeting {
  readonly url: string;
  readonly token: string;
}

/** One way to ask and answer. Both ends live until their process ends. */
export interface Contender {
  openAsker(meeting: Meeting): Promise<Asker>;
  /** Resolves when questions are taken. */
  openResponder(meeting: Meeting): Promise<void>;
}

/** A question of 64 bytes in MessagePack. */
export const packedBody = {
  id: 1_234,
  kind: 'mail',
  text: 'the quarterly figures are late, again.',
} as const;

/** A question of 64 bytes in JSON. */
export const jsonBody = { id: 1_234, kind: 'mail', text: 'the quarterly figures late Q3' } as const;

/** The 64 bytes that bare contenders echo. */
export const bareBody = new Uint8Array(64).fill(0x61);

/** The subject of a bare contender. */
export function bareSubject({ token }: Meeting): string {
  return `bench.echo.${token}`;
}
