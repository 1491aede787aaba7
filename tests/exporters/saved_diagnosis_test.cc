#include "exporters/bundle/saved_diagnosis.h"

#include <gtest/gtest.h>

#include "exporters/json/json.h"
#include "tests/exporters/sample_data.h"

/// What was written by diagnose --json is read again as what it was.
namespace pghang {
namespace {

TEST(SavedDiagnosis, IsTheSubjectThatTheEvidenceWas) {
  const Evidence evidence = sample::evidence();
  const auto read = subject_of_json(diagnosis_json(evidence, sample::verdict(), std::nullopt));
  ASSERT_TRUE(read);
  const SignatureSubject was = subject_of(evidence);
  EXPECT_EQ(read->names, was.names);
  EXPECT_FALSE(read->names.empty());
  EXPECT_EQ(read->modules, was.modules);
  EXPECT_EQ(read->wait_event, was.wait_event);
  EXPECT_EQ(read->backend_type, was.backend_type);
  EXPECT_EQ(read->version, (PgVersion{15, 20}));
  EXPECT_EQ(read->major, 15);
  EXPECT_EQ(read->cause, "blocking_call");
  EXPECT_EQ(read->gate, "service");
}

TEST(SavedDiagnosis, MayBePartOfAnIncident) {
  const auto read = subject_of_json(incident_json(sample::incident()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->cause, "blocking_call");
}

TEST(SavedDiagnosis, LeavesOpenWhatItDoesNotSay) {
  const auto read = subject_of_json(R"({"verdict": {}, "server": null, "stack": {"frames": [7]}})");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->names.empty());
  EXPECT_EQ(read->cause, "");
  EXPECT_FALSE(read->version);
  EXPECT_FALSE(read->wait_event);
}

TEST(SavedDiagnosis, IsRefusedInOneLineWhenItIsSomethingElse) {
  const auto refusal = [](std::string_view text) {
    const auto read = subject_of_json(text);
    return read ? "none" : read.error().context;
  };
  EXPECT_TRUE(refusal("{").starts_with("is not JSON: ")) << refusal("{");
  for (const char* const text : {"[]", "7", "{}", R"({"diagnosis": null})", R"({"verdict": 1})"})
    EXPECT_EQ(refusal(text), "is not the output of pghangd diagnose --json") << text;
}

}  // namespace
}  // namespace pghang
