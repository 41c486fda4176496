// Runs a scenario with a timeline watching it.
import { TraceEvents } from '../../src/timeline/events.js';
import { Timeline } from '../../src/timeline/timeline.js';
import { EVERYTHING, type Window } from '../../src/timeline/window.js';
import { composeEngine, passesOf } from '../engine/harness.js';
import type { Scenario } from '../engine/scenario.js';
import { parseTimeline } from './parse.js';

/** The timeline of a scenario, parsed, and what the engine counted. */
export async function draw(scenario: Scenario, window: Window = EVERYTHING) {
  const composed = await composeEngine(scenario);
  const { engine, gpu, dram } = composed;
  const { model } = scenario;
  let text = '';
  const events = new TraceEvents((piece) => {
    text += piece;
  });
  const timeline = new Timeline({ model, gpus: [{ gpu, dram }], window, events });
  engine.observe(timeline);
  for (const pass of passesOf(scenario)) engine.run(pass);
  timeline.end();
  events.end({ test: true });
  return { ...composed, text, written: events.written, parsed: parseTimeline(text) };
}

/** The scenario with durations that are no whole numbers of ns. */
export function fractional(scenario: Scenario): Scenario {
  const { cpu, gpu, links } = scenario.hardware;
  return {
    ...scenario,
    hardware: {
      ...scenario.hardware,
      links: links.map((link) => ({ ...link, bandwidth: link.bandwidth / 1.3719, latencyNs: link.latencyNs * 1.0507 })),
      gpu: { ...gpu, memoryBandwidth: gpu.memoryBandwidth / 1.1173, launchNs: gpu.launchNs * 0.7313 },
      cpu: cpu === null ? null : { ...cpu, memoryBandwidth: cpu.memoryBandwidth / 1.2391 },
    },
  };
}
