#include "collectors/sampler/helper_main.h"

int main() {
  return pghang::sampler::run_helper({}, {});
}
