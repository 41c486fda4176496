// Paths as Windows writes them, under the rules of Windows: what names a file, its rows, its model, and how messages show it.
import { win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isPath, shownPath, splitRows } from '../../src/base/profiles.js';
import { isHubAddress } from '../../src/model/hub/address.js';
import { meantModel } from '../../src/model/hub/bundled.js';

describe('a path of Windows', () => {
  it.each(['C:\\models\\qwen', 'C:/models/qwen', '.\\mine.yaml', '..\\x', '\\\\server\\share\\trace', 'model.GGUF'])(
    '%s is a path',
    (path) => {
      expect(isPath(path)).toBe(true);
      expect(isHubAddress(path)).toBe(false);
      expect(meantModel(path)).toEqual({ name: path, note: null });
    },
  );

  it('keeps its drive apart from the rows of a trace', () => {
    expect(splitRows('C:\\traces\\code.safetensors#0:2000')).toEqual({ path: 'C:\\traces\\code.safetensors', rows: '#0:2000' });
    expect(splitRows('C:\\traces\\code.safetensors')).toEqual({ path: 'C:\\traces\\code.safetensors', rows: '' });
    expect(splitRows('D:\\a#1\\b.pt#:7')).toEqual({ path: 'D:\\a#1\\b.pt', rows: '#:7' });
  });

  it('is shown from the working directory where it lies below, and whole on another drive', () => {
    const shown = (path: string): string => shownPath(path, 'C:\\work', win32);
    expect(shown('C:\\work\\runs\\a.yaml')).toBe('runs\\a.yaml');
    expect(shown('c:\\WORK\\a.yaml')).toBe('a.yaml');
    expect(shown('D:\\work\\a.yaml')).toBe('D:\\work\\a.yaml');
    expect(shown('C:\\other\\a.yaml')).toBe('C:\\other\\a.yaml');
  });
});
