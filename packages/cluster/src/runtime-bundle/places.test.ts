import { expect, test } from 'vitest';
import { placesOf } from './places.ts';

test('every segment of a line has its place, counted on from the line before', () => {
  // Two segments in line 0, none in line 1, one in line 2 that goes back to the first column of the line above.
  expect(placesOf('AAAA,IACI;;EADJ')).toBe('0,0,0,0 4,0,1,4\n\n2,0,0,0');
});

test('numbers of more than five bits and a change of source are read', () => {
  expect(placesOf('gCCgBA')).toBe('32,1,16,0');
});

test('what comes from no source has no place, and does not move those after it', () => {
  expect(placesOf('A,IAAA')).toBe('4,0,0,0');
});
