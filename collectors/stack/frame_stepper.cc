#include "collectors/stack/frame_stepper.h"

#include <array>
#include <cstring>

#include <libunwind.h>

extern "C" {
/// Exported by libunwind for those who bring their own tables, but in none of its headers; Linux
/// perf declares it the same way.
// NOLINTNEXTLINE(readability-identifier-naming): libunwind's name
int UNW_OBJ(dwarf_search_unwind_table
)(unw_addr_space_t space,
  unw_word_t ip,
  unw_dyn_info_t* info,
  unw_proc_info_t* procedure,
  int need_unwind_info,
  void* context);
}

namespace pghang {

namespace {

/// Words that one step may read, of which it needs about 170: damaged tables can hold an endless
/// DWARF expression. And all steps of one unwind together.
constexpr std::uint64_t kMaxReadsOfStep = 200'000;
constexpr std::uint64_t kMaxReads = 20'000'000;

}  // namespace

struct FrameStepper::State {
  State(const StackSnapshot& snapshot, const AddressLayout& address_layout)
      : layout(address_layout),
        registers(snapshot.registers),
        return_address_first(snapshot.in_syscall) {}

  const AddressLayout& layout;
  std::array<std::optional<std::uint64_t>, kRegisterCount> registers;
  bool return_address_first;  ///< frame 0's pc is one as well (in a system call)
  unw_accessors_t accessors{};
  unw_addr_space_t space = nullptr;
  unw_cursor_t cursor{};
  bool valid = false;
  bool innermost = true;
  std::optional<std::size_t> missing;
  bool unreadable = false;
  bool no_table = false;
  std::uint64_t reads = 0;
  std::uint64_t reads_of_step = 0;
  CodePlace tables;  ///< the module whose tables were read last: most reads go there
};

namespace {

using State = FrameStepper::State;

State& state_of(void* context) {
  return *static_cast<State*>(context);
}

int find_proc_info(
    unw_addr_space_t space,
    unw_word_t ip,
    unw_proc_info_t* procedure,
    int need_unwind_info,
    void* context
) {
  State& state = state_of(context);
  // Behind the last instruction of a function lies another one.
  const unw_word_t address = state.innermost && state.return_address_first ? ip - 1 : ip;
  const CodePlace place = state.layout.at(address);
  const auto range =
      place.module == nullptr ? std::nullopt : place.module->function_range(address - place.bias);
  if (!range) {
    state.no_table = true;
    return -UNW_ENOINFO;
  }
  state.tables = place;
  // Our own search found the entry, so libunwind gets a table of one.
  unw_dyn_info_t info{};
  info.format = UNW_INFO_FORMAT_REMOTE_TABLE;
  info.start_ip = place.bias + range->start;
  info.end_ip = place.bias + range->end;
  info.u.rti.segbase = place.bias + place.module->unwind_table()->header;
  info.u.rti.table_data = place.bias + range->fde_entry;
  info.u.rti.table_len = 1;
  return UNW_OBJ(dwarf_search_unwind_table
  )(space, address, &info, procedure, need_unwind_info, context);
}

int access_memory(
    unw_addr_space_t /*space*/,
    unw_word_t address,
    unw_word_t* value,
    int write,
    void* context
) {
  State& state = state_of(context);
  if (write != 0) return -UNW_EINVAL;
  if (++state.reads > kMaxReads || ++state.reads_of_step > kMaxReadsOfStep) return -UNW_EINVAL;
  // Tables must come from where they were checked. In a true snapshot stack and modules lie apart.
  std::string_view bytes;
  if (state.tables.module != nullptr) {
    bytes = state.tables.module->bytes_at(address - state.tables.bias, sizeof *value);
  }
  if (bytes.empty()) bytes = state.layout.bytes(address, sizeof *value);
  if (bytes.empty()) {
    state.unreadable = true;
    return -UNW_EINVAL;
  }
  // libunwind reads bytes as parts of aligned words, so the last word may be cut.
  *value = 0;
  std::memcpy(value, bytes.data(), bytes.size());
  return 0;
}

int access_register(
    unw_addr_space_t /*space*/,
    unw_regnum_t number,
    unw_word_t* value,
    int write,
    void* context
) {
  State& state = state_of(context);
  // UNW_X86_64_RAX and so on are the DWARF numbers.
  if (write != 0 || number < 0 || static_cast<std::size_t>(number) >= kRegisterCount) {
    return -UNW_EBADREG;
  }
  const auto index = static_cast<std::size_t>(number);
  if (!state.registers[index]) {
    state.missing = index;
    return -UNW_EBADREG;
  }
  *value = *state.registers[index];
  return 0;
}

void put_unwind_info(unw_addr_space_t, unw_proc_info_t*, void*) {}

int no_dynamic_info(unw_addr_space_t, unw_word_t*, void*) {
  return -UNW_ENOINFO;
}

int no_float_register(unw_addr_space_t, unw_regnum_t, unw_fpreg_t*, int, void*) {
  return -UNW_EBADREG;
}

int no_resume(unw_addr_space_t, unw_cursor_t*, void*) {
  return -UNW_EINVAL;
}

int no_name(unw_addr_space_t, unw_word_t, char*, std::size_t, unw_word_t*, void*) {
  return -UNW_ENOINFO;
}

}  // namespace

FrameStepper::FrameStepper(const StackSnapshot& snapshot, const AddressLayout& layout)
    : state_(std::make_unique<State>(snapshot, layout)) {
  state_->accessors.find_proc_info = find_proc_info;
  state_->accessors.put_unwind_info = put_unwind_info;
  state_->accessors.get_dyn_info_list_addr = no_dynamic_info;
  state_->accessors.access_mem = access_memory;
  state_->accessors.access_reg = access_register;
  state_->accessors.access_fpreg = no_float_register;
  state_->accessors.resume = no_resume;
  state_->accessors.get_proc_name = no_name;
  state_->space = unw_create_addr_space(&state_->accessors, 0);
  if (state_->space == nullptr) return;
  unw_set_caching_policy(state_->space, UNW_CACHE_GLOBAL);
  state_->valid = unw_init_remote(&state_->cursor, state_->space, state_.get()) == 0;
}

FrameStepper::~FrameStepper() {
  if (state_->space != nullptr) unw_destroy_addr_space(state_->space);
}

bool FrameStepper::valid() const {
  return state_->valid;
}

std::uint64_t FrameStepper::pc() const {
  unw_word_t value = 0;
  return unw_get_reg(&state_->cursor, UNW_REG_IP, &value) == 0 ? value : 0;
}

std::uint64_t FrameStepper::sp() const {
  unw_word_t value = 0;
  return unw_get_reg(&state_->cursor, UNW_REG_SP, &value) == 0 ? value : 0;
}

StepResult FrameStepper::step() {
  State& state = *state_;
  state.reads_of_step = 0;
  state.missing.reset();
  state.unreadable = false;
  state.no_table = false;
  const unw_cursor_t before = state.cursor;

  const int result = unw_step(&state.cursor);
  // Where it finds no FDE, unw_step() guesses by rbp; a guess is worse than an end.
  if (state.no_table || state.missing || result < 0) {
    state.cursor = before;
    if (state.no_table) return StepResult::no_unwind_info;
    if (state.missing) return StepResult::needs_register;
    return state.unreadable ? StepResult::unreadable : StepResult::broken;
  }
  state.innermost = false;
  return result == 0 ? StepResult::outermost : StepResult::stepped;
}

std::size_t FrameStepper::missing_register() const {
  return state_->missing.value_or(0);
}

void FrameStepper::set_register(std::size_t number, std::uint64_t value) {
  if (number < kRegisterCount) state_->registers[number] = value;
}

std::function<void()> FrameStepper::checkpoint() {
  State& state = *state_;
  return [&state, cursor = state.cursor, registers = state.registers, first = state.innermost] {
    state.cursor = cursor;
    state.registers = registers;
    state.innermost = first;
  };
}

}  // namespace pghang
