/** What programs leave behind that would run later: found, undone and asked about, whoever's program it was. */
export { checkChanges, describeLeft, takeDown, type Before, type CheckPorts, type LeftBehind } from './check-changes.ts';
export { executorsOf } from './git-executors.ts';
export { readJournals, writeJournal } from './journal.ts';
export { isAllNewerThan } from './newer.ts';
export { otherNames, scanTree, type TreeRules, type TreeScan } from './scan-tree.ts';
export { journalOf, quarantineOf } from './where-kept.ts';
