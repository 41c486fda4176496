// A page's compiler takes no options.
export function setCompilerFlag(_flag: string): void {}
