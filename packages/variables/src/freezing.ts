/** Freezing and unfreezing a space (freeze.ts says what that means). */
import { assertAuthor } from './change-set.ts';
import { commit, fence, nothingWritten, retrying } from './desk.ts';
import type { WriteDesk, WriteOptions, WriteOutcome } from './desk.ts';
import type { FreezeEntry } from './freeze.ts';
import { freezeKey } from './keys.ts';

/** Options of {@link VariableStore.freeze}. */
export interface FreezeOptions {
  /** Who: 1 to 128 characters. */
  readonly by: string;
  /** Why, for those who find the space standing still. */
  readonly reason: string;
}

/** Freezes the space; `noop` when it is frozen already: the first reason stays. */
export function freezeSpace(desk: WriteDesk, options: FreezeOptions): Promise<WriteOutcome> {
  const { by, reason } = options;
  assertAuthor(by);
  return retrying(desk, 'freeze', async () => {
    if (desk.source.view().freeze !== undefined) return nothingWritten(desk);
    const body: FreezeEntry = { v: 1, by, at: desk.clock().toISOString(), reason };
    const write = { key: freezeKey, body, expect: desk.replica.revisionOf(freezeKey) };
    return { kind: 'written', revision: await commit(desk, [write]), changes: [] };
  });
}

/** Ends the freeze; `noop` when there is none. */
export function unfreezeSpace(desk: WriteDesk, options: WriteOptions): Promise<WriteOutcome> {
  assertAuthor(options.by);
  return retrying(desk, 'unfreeze', async () => {
    const { freeze, revision: applied } = desk.source.view();
    if (freeze === undefined) return nothingWritten(desk);
    const told = { ...options, cause: options.cause ?? 'unfrozen' };
    const revision = await commit(desk, [
      fence(desk, applied, told),
      { key: freezeKey, body: undefined, operation: 'delete', expect: freeze.revision },
    ]);
    return { kind: 'written', revision, changes: [] };
  });
}
