// Limits far above any model, and low enough that state per layer and per expert always fits in memory, whatever a file says.

/** Most decoder layers of a model. */
export const MAX_LAYERS = 1000;

/** Most experts of one layer. */
export const MAX_EXPERTS = 8192;
