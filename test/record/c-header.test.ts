// What is read from headers, and the proof of a layout. Declarations are ours, in the manner of C headers.
import { describe, expect, it } from 'vitest';
import { CHeader, proveLayout } from '../../src/record/c-header.js';

const TEXT = `
  #define DEFAULT_THREADS 4
  enum mode { MODE_NONE = 0, MODE_FAST = 3, };
  typedef int32_t token;
  typedef bool (*progress_callback)(float done, void * user); // a pointer
  /* struct settings { int32_t wrong; } in a comment */
  struct settings {
      uint32_t size;       // text; with a semicolon
      enum mode mode;
      const float * split;
      progress_callback progress;
      token first;
      bool fast;
      struct other * next;
  };
  typedef struct batch { int32_t n; token * ids; } batch;
  struct odd { long double x; };
  LIB_API struct settings default_settings(void);
  LIB_API int32_t
      tokenize(const struct model * model,
               const char * text,
               token * ids, size_t, bool special);
  LIB_API const char * name_of(const struct model * model);
  LIB_API int read(struct model * model, struct batch given);
  LIB_API int odd_one(long double x);
`;
const header = new CHeader([TEXT]);

describe('a C header', () => {
  it('gives the fields of a struct in order, with types as koffi has them', () => {
    expect([...header.struct('settings')]).toEqual([
      ['size', 'uint32_t'],
      ['mode', 'int32_t'],
      ['split', 'void *'],
      ['progress', 'void *'],
      ['first', 'int32_t'],
      ['fast', 'bool'],
      ['next', 'void *'],
    ]);
    expect([...header.struct('batch')]).toEqual([
      ['n', 'int32_t'],
      ['ids', 'void *'],
    ]);
  });

  it('gives the result and the parameters of a function, named or not', () => {
    expect(header.prototype('default_settings')).toEqual(['settings']);
    expect(header.prototype('tokenize')).toEqual(['int32_t', 'void *', 'str', 'void *', 'size_t', 'bool']);
    expect(header.prototype('name_of')).toEqual(['str', 'void *']);
    expect(header.prototype('read')).toEqual(['int', 'void *', 'batch']);
  });

  it('refuses what it lacks, and what has no size that is known', () => {
    expect(() => header.struct('setting')).toThrow('its headers lack struct setting');
    expect(() => header.prototype('token')).toThrow('its headers lack token');
    expect(() => header.struct('odd')).toThrow("its headers lack the size of 'long double'");
    expect(() => header.prototype('odd_one')).toThrow("its headers lack the size of 'long double'");
  });

  it('reads the defaults that a source sets', () => {
    const source = `settings default_settings() {
    settings result = {
        /*.size      =*/ 512,
        /*.mode      =*/ MODE_FAST,
        /*.split     =*/ nullptr,
        /*.progress  =*/ unknown(),
        /*.first     =*/ DEFAULT_THREADS, // a comment
        /*.fast      =*/ true,
        /*.scale     =*/ -1.5f,
    };
    return result;
}
settings others() { settings result = { /*.size =*/ 7, }; }`;
    expect(header.defaults(source, 'default_settings')).toEqual([512, 3, null, undefined, 4, true, -1.5]);
    expect(header.defaults(source, 'missing')).toEqual([]);
  });
});

describe('a layout', () => {
  const values = { size: 512, mode: 3, split: 0n, fast: true };

  it('is proven by the defaults of the source', () => {
    expect(() => proveLayout('settings', values, [512, 3, null, true])).not.toThrow();
    expect(() => proveLayout('settings', values, [512, undefined, null, true])).not.toThrow();
  });

  it('is none where a field reads as something else, or is one too many', () => {
    // A field was put before the others: each reads as the one before it.
    expect(() => proveLayout('settings', { size: 0, mode: 512, split: 3n, fast: false }, [512, 3, null, true])).toThrow(
      'settings.size reads as 0, and its source sets 512',
    );
    expect(() => proveLayout('settings', values, [512, 3, null])).toThrow('settings has 4 fields');
    expect(() => proveLayout('settings', values, [512, 3, null, true, false])).toThrow('settings has 4 fields');
  });

  it('is not proven by half of the fields', () => {
    expect(() => proveLayout('settings', values, [512, undefined, undefined, true])).toThrow('2 that can be compared');
  });
});
