#include "socketio/shared_text.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace carillon::socketio {

SharedText::Block* SharedText::make_block(std::size_t room) {
    return new (::operator new(sizeof(Block) + room)) Block;
}

void SharedText::free_block(Block* block) {
    block->~Block();
    ::operator delete(block);
}

SharedText::SharedText(std::string_view text) : block_{make_block(text.size())} {
    block_->size = text.size();
    text.copy(block_->bytes(), text.size());
}

TextBuilder::TextBuilder(std::size_t room) : block_{SharedText::make_block(room)}, room_{room} {}

TextBuilder::~TextBuilder() {
    if (block_ != nullptr) SharedText::free_block(block_);
}

TextBuilder& TextBuilder::operator+=(std::string_view text) {
    if (text.size() > room_ - block_->size) {
        room_ = std::max(room_ * 2, block_->size + text.size());
        SharedText::Block* const larger = SharedText::make_block(room_);
        larger->size = view().copy(larger->bytes(), block_->size);
        SharedText::free_block(std::exchange(block_, larger));
    }
    text.copy(block_->bytes() + block_->size, text.size());
    block_->size += text.size();
    return *this;
}

}  // namespace carillon::socketio
