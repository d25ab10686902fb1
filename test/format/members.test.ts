import { describe, expect, it } from 'vitest';
import { EVENT_NAMES, findMember, MEMBERS, parsePermission } from '../../format/index.ts';

describe('the table of members', () => {
  it('names only permissions of the grammar', () => {
    for (const row of MEMBERS) {
      for (const text of [...row.needs, ...row.toChange].filter((permission) => !permission.endsWith(':…'))) expect(parsePermission(text).deny).toBe(false);
    }
  });

  it('has one row for each member', () => {
    const keys = MEMBERS.map((row) => `${row.kind} ${row.name}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has the 39 events of pi and one of our own', () => {
    expect(EVENT_NAMES.length).toBe(40);
    expect(EVENT_NAMES).toContain('agent_complete');
  });

  it('never delivers trust, nor what it does not know', () => {
    expect(findMember('event', 'project_trust')?.delivered).toBe(false);
    expect(findMember('event', 'session_switch')).toBeUndefined();
    expect(findMember('event', '__proto__')).toBeUndefined();
  });

  it('asks for reading where the conversation is seen, and for intercepting where calls can be changed', () => {
    for (const name of ['agent_end', 'message_end', 'context']) expect(findMember('event', name)?.needs).toEqual(['session:read']);
    for (const name of ['tool_call', 'tool_result', 'user_bash']) expect(findMember('event', name)?.needs).toEqual(['tools:intercept']);
  });

  it('says what may be changed wherever changing needs something', () => {
    for (const row of MEMBERS) if (row.toChange.length > 0) expect(row.mayChange).not.toBe('');
  });
});
