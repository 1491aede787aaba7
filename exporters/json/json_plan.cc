#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "exporters/json/json_text.h"
#include "exporters/json/json_values.h"
#include "exporters/plan_view.h"

namespace pghang {
namespace {

boost::json::object backend_object(const PlannedBackend& backend, bool sends) {
  boost::json::array mismatches;
  for (const RuleMismatch& mismatch : backend.mismatches) {
    mismatches.push_back(boost::json::object{
        {"rule", json_string(mismatch.rule)},
        {"criterion", json_string(mismatch.criterion)}});
  }
  boost::json::value spared_for;
  if (backend.spared_for != 0) spared_for = backend.spared_for;
  return {
      {"pid", backend.activity.key.pid},
      {"activity", activity_object(backend.activity)},
      {"rule", json_string_or_null(backend.rule)},
      {"mismatches", std::move(mismatches)},
      {"spared_for", std::move(spared_for)},
      {"exemption", json_string_or_null(backend.exemption)},
      {"protected_by", json_string_or_null(backend.protected_by)},
      {"signal", json_string_or_null(backend.signal)},
      {"sent", sends && !backend.signal.empty()},
      {"steps", json_string_or_null(backend.steps)},
      {"refused", json_string_or_null(backend.refused)},
  };
}

boost::json::object target_object(const PlanView& plan) {
  boost::json::array backends;
  for (const PlannedBackend& backend : plan.backends)
    backends.push_back(backend_object(backend, plan.mode == "enforce"));
  boost::json::array notes;
  for (const std::string& note : plan.notes)
    notes.push_back(json_string(note));
  return {
      {"target", json_string(plan.target)},
      {"server",
       boost::json::object{
           {"version", json_string(plan.server.version)},
           {"in_recovery", plan.server.in_recovery}}},
      {"mode", json_string(plan.mode)},
      {"backends", std::move(backends)},
      {"notes", std::move(notes)},
  };
}

}  // namespace

std::string plan_json(const std::vector<PlanView>& targets) {
  boost::json::array all;
  for (const PlanView& target : targets)
    all.push_back(target_object(target));
  return json_text(boost::json::object{{"schema_version", 1}, {"targets", std::move(all)}});
}

}  // namespace pghang
