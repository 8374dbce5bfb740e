/**
 * Where the identity of an agent comes from: the seed that its host hands over, a secret of its surroundings, or chance.
 *
 * Promise: no message and no error shows a seed.
 */
import { createSeed, isId, openIdentity } from '@mabeam/bus';
import { defaultSecrets } from '@mabeam/variables';
import type { Environment } from './hosting.ts';

/**
 * The seed with which an agent is to live: the secret `<agent>-seed` of these surroundings (docs/protocol.md, "Secrets"), by which it
 * is the same one tomorrow and elsewhere; else what `otherwise` gives, a new one unless told so. Throws `invalid-identity` when the secret
 * is no seed, and `secret-missing` when it is there and cannot be read.
 */
export async function seedFor(
  agent: string,
  environment: Environment = process.env,
  otherwise: () => string = createSeed,
): Promise<string> {
  const name = `${agent}-seed`;
  const secret = isId(name) ? await defaultSecrets(environment)(name) : undefined;
  if (secret === undefined) return otherwise();
  openIdentity(secret);
  return secret;
}
