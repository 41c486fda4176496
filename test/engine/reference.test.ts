// The engine against a second simulator of the same laws, on random small worlds: every count, every transfer, every start and end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulateByEngine } from './harness.js';
import { simulateByTheBook } from './reference.js';
import { type Scenario, scenarios } from './scenario.js';

async function agree(scenario: Scenario): Promise<void> {
  expect(await simulateByEngine(scenario)).toEqual(simulateByTheBook(scenario));
}

describe('engine and reference simulator agree to the nanosecond', () => {
  it('on any scenario', () => fc.assert(fc.asyncProperty(scenarios, agree), { seed: 1, numRuns: 600 }));
});
