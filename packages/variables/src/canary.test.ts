import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { pickArm } from './canary.ts';

const salt = fc.string({ minLength: 1, maxLength: 20 });

function shareTaken(canary: { readonly salt: string; readonly share: number }, count: number): number {
  let taken = 0;
  for (let i = 0; i < count; i++) if (pickArm(canary, `conversation-${i}`) === 'candidate') taken++;
  return taken / count;
}

test('the arms of four known conversations are those every language computes', () => {
  // printf 'salt\nconversation-0' | sha256sum begins with 1d3b, the others with 9b29, 893b, 6657.
  const arms = [0, 1, 2, 3].map((i) => pickArm({ salt: 'salt', share: 0.5 }, `conversation-${i}`));
  expect(arms).toEqual(['candidate', 'incumbent', 'incumbent', 'candidate']);
});

test('a conversation with letters beyond ASCII is hashed as UTF-8', () => {
  expect(pickArm({ salt: 'süß', share: 0.1652 }, 'Gespräch 1 🙂')).toBe('candidate');
  expect(pickArm({ salt: 'süß', share: 0.165 }, 'Gespräch 1 🙂')).toBe('incumbent');
});

test('without a conversation the incumbent is taken, at any share', () => {
  expect(pickArm({ salt: 'salt', share: 1 }, undefined)).toBe('incumbent');
});

const share = fc.integer({ min: 0, max: 1000 }).map((parts) => parts / 1000);

test.prop([salt, fc.string(), share, share])(
  'who is in the canary at a share is in it at every greater one',
  (text, conversation, a, b) => {
    const [small, large] = a < b ? [a, b] : [b, a];
    const arms = [small, large].map((each) => pickArm({ salt: text, share: each }, conversation));
    expect(arms).not.toEqual(['candidate', 'incumbent']);
  },
);

test.prop([salt, fc.string()])('share 1 takes every conversation and share 0 none', (text, conversation) => {
  expect(pickArm({ salt: text, share: 1 }, conversation)).toBe('candidate');
  expect(pickArm({ salt: text, share: 0 }, conversation)).toBe('incumbent');
});

test.prop([salt, fc.constantFrom(0.01, 0.1, 0.3, 0.5, 0.9)], { numRuns: 25 })(
  'of 4,000 conversations the share is taken within five standard deviations',
  (text, part) => {
    const deviation = Math.sqrt((part * (1 - part)) / 4000);
    expect(Math.abs(shareTaken({ salt: text, share: part }, 4000) - part)).toBeLessThan(5 * deviation);
  },
);

test.prop([salt, salt], { numRuns: 25 })(
  'two salts place conversations independently of each other',
  (a, b) => {
    fc.pre(a !== b);
    let both = 0;
    for (let i = 0; i < 4000; i++) {
      const taken = [a, b].every((text) => pickArm({ salt: text, share: 0.5 }, `c${i}`) === 'candidate');
      if (taken) both++;
    }
    expect(Math.abs(both / 4000 - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / 4000));
  },
);
