#include "bus/testing/recorder.hpp"

namespace carillon::bus::testing {

loop::Task<Outcome> record_and_answer(std::shared_ptr<Recorder> recorder, Answer answer, Delivery delivery) {
    recorder->add(delivery);
    co_return answer(delivery);
}

Consumer recording_consumer(std::string durable_name, std::string subject, loop::Executor executor,
                            std::shared_ptr<Recorder> recorder, Answer answer) {
    return {std::move(durable_name), std::move(subject), std::move(executor),
            [recorder = std::move(recorder), answer = std::move(answer)](Delivery delivery) {
                return record_and_answer(recorder, answer, std::move(delivery));
            }};
}

Consumer recording_consumer(std::string durable_name, std::string subject, loop::Executor executor,
                            std::shared_ptr<Recorder> recorder) {
    return recording_consumer(std::move(durable_name), std::move(subject), std::move(executor), std::move(recorder),
                              [](const Delivery&) { return Outcome::acknowledged; });
}

Follower recording_follower(std::vector<std::string> subjects, loop::Executor executor,
                            std::shared_ptr<Recorder> recorder) {
    return {std::move(subjects), std::move(executor),
            [recorder = std::move(recorder)](const Delivery& delivery) { recorder->add(delivery); }, [] {}};
}

}  // namespace carillon::bus::testing
