import { describe, expect, it } from 'vitest';
import { capacityIn, parseHosting } from './hosting.ts';

describe('who a process is', () => {
  const told = {
    MABEAM_SPACE: 'desk',
    MABEAM_AGENT: 'judge',
    MABEAM_ORDINAL: '2',
    MABEAM_INCARNATION: 'i-7',
    MABEAM_CONTROL_FD: '3',
  };

  it('is read from the environment', () => {
    expect(parseHosting({ ...told, MABEAM_CONFIG: '{"patienceMs":5}' })).toEqual({
      space: 'desk',
      agent: 'judge',
      ordinal: 2,
      incarnation: 'i-7',
      config: { patienceMs: 5 },
      controlFd: 3,
    });
  });

  it('nobody said: the error names the two ways to start an agent', () => {
    expect(() => parseHosting({})).toThrow(expect.objectContaining({ code: 'not-hosted' }));
    expect(() => parseHosting({})).toThrow(/mabeam run/);
  });

  it.each([
    [{ MABEAM_ORDINAL: '-1' }, /MABEAM_ORDINAL: "-1"/],
    [{ MABEAM_ORDINAL: 'one' }, /MABEAM_ORDINAL/],
    [{ MABEAM_CONTROL_FD: 'x' }, /MABEAM_CONTROL_FD/],
    [{ MABEAM_CONFIG: '[1]' }, /MABEAM_CONFIG/],
    [{ MABEAM_CONFIG: '{' }, /MABEAM_CONFIG/],
  ])('%j makes no sense, and the variable is named', (wrong, message) => {
    expect(() => parseHosting({ ...told, ...wrong })).toThrow(message);
  });

  it('an agent with the name of the wire is refused', () => {
    expect(() => parseHosting({ ...told, MABEAM_AGENT: 'all' })).toThrow(
      expect.objectContaining({ code: 'invalid-id' }),
    );
  });
});

describe('the capacity of a process', () => {
  it('is what is given, else what the environment says, else 1 024', () => {
    expect(capacityIn({ MABEAM_CAPACITY: '7' }, 3)).toBe(3);
    expect(capacityIn({ MABEAM_CAPACITY: '7' })).toBe(7);
    expect(capacityIn({})).toBe(1_024);
  });

  it.each([['0'], ['x'], ['']])('is refused when the environment says %j', (MABEAM_CAPACITY) => {
    expect(() => capacityIn({ MABEAM_CAPACITY })).toThrow(/MABEAM_CAPACITY/);
  });
});
