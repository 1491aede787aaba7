#pragma once

#include "diagnosis/wait_builder.h"
#include "diagnosis/wait_people.h"

/// Who waits for whom, one source after the other.
namespace pghang {

/// What the captures show by themselves: descriptors, children, file systems, LWLock suspects,
/// parallel workers.
void add_capture_waits(const WaitInputs& inputs, const WaitPeople& people, WaitBuilder& graph);

/// Heavyweight locks, as the server answered.
void add_lock_waits(const LockSnapshot& locks, const WaitPeople& people, WaitBuilder& graph);

/// What the rows of pg_stat_activity show: leaders and workers, and sessions that wait for the same
/// LWLock as a captured one.
void add_session_waits(const WaitInputs& inputs, const WaitPeople& people, WaitBuilder& graph);

}  // namespace pghang
