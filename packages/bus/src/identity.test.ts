import { nkeys } from '@nats-io/transport-node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalBytes,
  canonicalText,
  createIdentity,
  createSeed,
  digestOf,
  isPublicKey,
  isSignedBy,
  openIdentity,
} from './identity.ts';
import { encodeNkey } from './nkey.ts';

const flipped = (spelling: string, bit: number): string => {
  const bytes = Buffer.from(spelling, 'latin1');
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('latin1');
};

describe('an identity', () => {
  it('is the same user key that the NATS client reads from the seed', () => {
    const seed = createSeed();
    const theirs = nkeys.fromSeed(new TextEncoder().encode(seed));
    expect(openIdentity(seed).publicKey).toBe(theirs.getPublicKey());
  });

  it('reads a seed that the NATS client wrote, and both sign alike', () => {
    const theirs = nkeys.createUser();
    const ours = openIdentity(new TextDecoder().decode(theirs.getSeed()));
    const bytes = new TextEncoder().encode('"vote"{"a":1}');
    expect(ours.sign('vote', { a: 1 })).toBe(Buffer.from(theirs.sign(bytes)).toString('base64url'));
  });

  it('has the public key that RFC 8032 gives for its first secret', () => {
    const secret = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const theirs = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
    expect(openIdentity(encodeNkey('seed', secret)).publicKey).toBe(encodeNkey('public', theirs));
  });

  it('is believed for what it signed, and for nothing else', () => {
    const [ada, bob] = [createIdentity(), createIdentity()];
    const signature = ada.sign('vote', { round: 'r1', yes: true });
    expect(isSignedBy(ada.publicKey, 'vote', { yes: true, round: 'r1' }, signature)).toBe(true);
    expect(isSignedBy(bob.publicKey, 'vote', { yes: true, round: 'r1' }, signature)).toBe(false);
    expect(isSignedBy(ada.publicKey, 'commit', { yes: true, round: 'r1' }, signature)).toBe(false);
    expect(isSignedBy(ada.publicKey, 'vote', { yes: false, round: 'r1' }, signature)).toBe(false);
    expect(isSignedBy(ada.publicKey, 'vote', { round: 'r1', yes: Number.NaN }, signature)).toBe(false);
  });

  it('cannot move a letter from the purpose into the value', () => {
    const ada = createIdentity();
    expect(isSignedBy(ada.publicKey, 'vot', 'e', ada.sign('vote', ''))).toBe(false);
  });

  it('no key and no signature has a second spelling', () => {
    const ada = createIdentity();
    const signature = ada.sign('vote', 1);
    for (let bit = 0; bit < 86 * 8; bit++) {
      expect(
        isSignedBy(ada.publicKey, 'vote', 1, flipped(signature, bit)),
        `bit ${bit} of the signature`,
      ).toBe(false);
    }
    for (let bit = 0; bit < 56 * 8; bit++)
      expect(isPublicKey(flipped(ada.publicKey, bit)), `bit ${bit} of the key`).toBe(false);
  });

  it('refuses what is no seed without showing it', () => {
    const seed = createSeed();
    const broken = seed.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const opening = (): unknown => openIdentity(broken);
    expect(opening).toThrow(expect.objectContaining({ code: 'invalid-identity' }));
    expect(opening).not.toThrow(broken);
  });
});

const texts = fc.string({
  unit: fc.constantFrom('a', 'B', '"', '\\', '\u0000', '\u2028', 'é', '€', '😀'),
  maxLength: 5,
});
/** No backslash: after an object with that key, JSON.parse of Node 26.10 (V8 14) takes the key `"` of the next one for it. */
const keys = texts.map((text) => text.replaceAll('\\', '/'));
const jsonValues = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      texts,
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
  ),
}));

describe('the canonical text', () => {
  it('is the same whatever the order of the keys, and reads back as the same value', () => {
    fc.assert(
      fc.property(jsonValues.value, (value) => {
        const written = canonicalText(value);
        expect(canonicalText(turned(value))).toBe(written);
        expect(canonicalText(JSON.parse(written))).toBe(written);
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  }, 30_000);

  it('writes what RFC 8785 writes', () => {
    const value = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0],
      '€': '\u000f\n"',
      a: { c: null, b: undefined },
    };
    const written =
      '{"a":{"c":null},"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"€":"\\u000f\\n\\""}';
    expect(canonicalText(value)).toBe(written);
    expect(new TextDecoder().decode(canonicalBytes(value))).toBe(written);
  });

  it.each([[undefined], [Number.NaN], [new Date(0)], [10n], ['\ud800'], [{ '\ud800': 1 }], [[undefined]]])(
    'does not exist of %s',
    (value) => {
      expect(() => canonicalText(value)).toThrow(expect.objectContaining({ code: 'malformed-message' }));
    },
  );

  it('does not overflow the stack on a value without a bottom', () => {
    const ring: Record<string, unknown> = {};
    ring['ring'] = ring;
    expect(() => digestOf(ring)).toThrow('64 levels');
  });
});

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, field]) => [key, turned(field)]),
  );
}
