import { type AuditCheck, layerList } from './check.js';

/** Expert-parallel balancing records physical slots; ids change meaning when experts move. */
export const physicalIds: AuditCheck = {
  code: 'physical-ids',
  summary: 'physical expert ids under expert-parallel balancing',
  start: ({ model, trace }) => ({
    finish() {
      const { expertsPerLayer, meta } = trace;
      const layers = model?.layers.length === trace.layers ? model.layers : [];
      const beyond = layers.filter(({ experts, index }) => expertsPerLayer[index]! > experts);
      const [first] = beyond;
      if (first !== undefined)
        return {
          what: `In ${layerList(beyond.map(({ index }) => index))} ids run to ${expertsPerLayer[first.index]! - 1}, ${model!.name} has ${first.experts} experts there: physical slots of a balancer.`,
          effect: 'Copies of one expert count as different experts: popularity, reuse and hit rates come out too low.',
          fix: 'Record with balancing off (no --enable-eplb, no redundant experts), or map ids back with moeprof trace convert FILE --remap MAP.json.',
        };
      if (meta.format !== 'sglang-recorder' || meta.notes.physical_to_logical !== 'last') return null;
      return {
        what: 'The recorder wrote physical ids of a balancer; they were mapped back by the last placement, the only one in the file.',
        effect: 'Rows from before the last rebalancing name other experts than the model chose, at every layer.',
        fix: 'Record with balancing off, or within one interval between two rebalancings.',
      };
    },
  }),
};
